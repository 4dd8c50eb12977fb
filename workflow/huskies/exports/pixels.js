// A photo's pixels as the flow prepares them: Pillow's resize in 8 bits, to the bit, so that a page sees what was trained on.
// After Pillow's Resample.c: weights of 22 bits, along rows and along columns, each time rounded to 8 bits.
"use strict";

const KERNELS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5, far = Math.abs(x);
      if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
      return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};
const ONE = 1 << 22;

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

// For each pixel of the result: the first pixel that it is made of, and the weight of each, in units of 1 / ONE.
function weights(before, after, kernel) {
  const scale = before / after, stretch = Math.max(scale, 1), support = kernel.support * stretch, found = [];
  // Pillow multiplies by reciprocals, and a division would round a few weights otherwise.
  const squeeze = 1 / stretch;
  for (let place = 0; place < after; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(before, Math.trunc(centre + support + 0.5));
    const raw = [];
    let total = 0;
    for (let each = first; each < last; each++) {
      const value = kernel.weight((each - centre + 0.5) * squeeze);
      raw.push(value);
      total += value;
    }
    const share = 1 / total;
    const whole = raw.map((value) => Math.trunc(value * share * ONE + (value < 0 ? -0.5 : 0.5)));
    found.push({ first, weights: whole });
  }
  return found;
}

// Pixels are {width, height, data}, data three bytes a pixel.
function resizeRows(image, width, kernel) {
  if (width === image.width) return image;
  const data = new Uint8ClampedArray(width * image.height * 3), made = weights(image.width, width, kernel);
  for (let row = 0; row < image.height; row++) {
    for (let place = 0; place < width; place++) {
      const { first, weights: each } = made[place];
      const from = (row * image.width + first) * 3, to = (row * width + place) * 3;
      for (let channel = 0; channel < 3; channel++) {
        let sum = ONE / 2;
        for (let number = 0; number < each.length; number++) sum += image.data[from + number * 3 + channel] * each[number];
        data[to + channel] = Math.floor(sum / ONE);
      }
    }
  }
  return { width, height: image.height, data };
}

function resizeColumns(image, height, kernel) {
  if (height === image.height) return image;
  const step = image.width * 3, data = new Uint8ClampedArray(step * height), made = weights(image.height, height, kernel);
  for (let row = 0; row < height; row++) {
    const { first, weights: each } = made[row];
    for (let place = 0; place < step; place++) {
      let sum = ONE / 2;
      for (let number = 0; number < each.length; number++) sum += image.data[(first + number) * step + place] * each[number];
      data[row * step + place] = Math.floor(sum / ONE);
    }
  }
  return { width: image.width, height, data };
}

function resizeNearest(image, width, height) {
  const data = new Uint8ClampedArray(width * height * 3);
  for (let row = 0; row < height; row++) {
    const above = Math.trunc(((row + 0.5) * image.height) / height);
    for (let place = 0; place < width; place++) {
      const from = (above * image.width + Math.trunc(((place + 0.5) * image.width) / width)) * 3;
      data.set(image.data.subarray(from, from + 3), (row * width + place) * 3);
    }
  }
  return { width, height, data };
}

function resize(image, width, height, interpolation) {
  if (interpolation === "nearest") return resizeNearest(image, width, height);
  const kernel = KERNELS[interpolation], rows = image.height - height;
  // As Pillow 13 does: columns come first where that takes away more than twice as many rows as the other way takes columns.
  const columnsFirst = rows > 0 && rows > 2 * (image.width - width);
  if (columnsFirst) return resizeRows(resizeColumns(image, height, kernel), width, kernel);
  return resizeColumns(resizeRows(image, width, kernel), height, kernel);
}

// As Python rounds: halves go to the even neighbour.
function rounded(value) {
  const floor = Math.floor(value), half = value - floor === 0.5;
  return half ? floor + (floor % 2) : Math.round(value);
}

// As convert does: the longer side has at most so many pixels; 0 keeps it.
function shrink(image, maxSide) {
  const scale = maxSide / Math.max(image.width, image.height);
  if (!maxSide || scale >= 1) return image;
  return resize(image, Math.max(1, rounded(image.width * scale)), Math.max(1, rounded(image.height * scale)), "lanczos");
}

function cut(image, top, left, side) {
  const data = new Uint8ClampedArray(side * side * 3);
  for (let row = 0; row < side; row++) {
    const from = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + side * 3), row * side * 3);
  }
  return { width: side, height: side, data };
}

// The square that the backbone is given, as `preprocessing` says.
function square(image, side, { resize: way, shorter_side: shorter, interpolation }) {
  if (way === "squash") return resize(image, side, side, interpolation);
  const sides = [image.width, image.height];
  const scale = way === "crop" ? (shorter || side) / Math.min(...sides) : side / Math.max(...sides);
  const least = way === "crop" ? side : 1;
  const [width, height] = sides.map((each) => Math.max(least, rounded(each * scale)));
  const fitted = resize(image, width, height, interpolation);
  if (way === "crop") return cut(fitted, (height - side) >> 1, (width - side) >> 1, side);
  const data = new Uint8ClampedArray(side * side * 3), top = (side - height) >> 1, left = (side - width) >> 1;
  for (let row = 0; row < height; row++) {
    data.set(fitted.data.subarray(row * width * 3, (row + 1) * width * 3), ((top + row) * side + left) * 3);
  }
  return { width: side, height: side, data };
}
