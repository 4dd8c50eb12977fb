// The page's own part: takes photos in, asks the network, and shows the answers.
"use strict";

const facts = JSON.parse(document.getElementById("facts").textContent);
const status = document.getElementById("status"), answers = document.getElementById("answers");
const MOST_BYTES = 100e6, MOST_PIXELS = 150e6;
let session = null, waiting = Promise.resolve();

function say(text) {
  status.textContent = text;
}

function bytes(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  const found = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) found[place] = text.charCodeAt(place);
  document.getElementById(id).textContent = "";
  return found;
}

async function unpacked(id) {
  const stream = new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function load() {
  if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") {
    throw new Error("This browser is too old, or WebAssembly is switched off in it. Open the page in another one.");
  }
  const runtime = URL.createObjectURL(new Blob([await unpacked("runtime")], { type: "text/javascript" }));
  const ort = await import(runtime);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = await unpacked("wasm");
  const network = await ort.InferenceSession.create(await unpacked("network"), { executionProviders: ["wasm"] });
  return { ort, network };
}

function percent(value) {
  if (value > 0.999) return "> 99.9 %";
  return value < 0.001 ? "< 0.1 %" : `${(100 * value).toFixed(1)} %`;
}

// The pixels of a picture file as a browser shows it: upright, in sRGB, on white.
async function pixelsOf(file) {
  if (file.size > MOST_BYTES) throw new Error(`it has ${Math.round(file.size / 1e6)} MB, and at most 100 are read`);
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error("this browser cannot read it as a picture");
  }
  const { width, height } = picture;
  if (width * height > MOST_PIXELS) throw new Error(`it has ${width} × ${height} pixels, more than are read`);
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  picture.close();
  const all = context.getImageData(0, 0, width, height).data, data = new Uint8ClampedArray(width * height * 3);
  for (let place = 0; place < width * height; place++) {
    data[3 * place] = all[4 * place];
    data[3 * place + 1] = all[4 * place + 1];
    data[3 * place + 2] = all[4 * place + 2];
  }
  return { width, height, data };
}

async function ask(file) {
  const side = facts.pixels.shape[1];
  const given = square(shrink(await pixelsOf(file), facts.max_side), side, facts.pixels);
  const { ort, network } = await session;
  const tensor = new ort.Tensor("float32", Float32Array.from(given.data), [1, side, side, 3]);
  const said = await network.run({ pixels: tensor });
  return {
    probabilities: Array.from(said.probabilities.data),
    distance: said.distance.data[0],
    likeness: Array.from(said.likeness.data),
  };
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function thumbnail(source, text) {
  const image = element("img");
  image.src = source;
  image.alt = text;
  return image;
}

function show(answer, row) {
  const accepted = answer.distance <= facts.threshold;
  const order = answer.probabilities.map((value, place) => [value, facts.labels[place]]).sort((one, other) => other[0] - one[0]);
  row.append(element("h3", accepted ? order[0][1] : "None of these"));
  row.dataset.label = order[0][1];
  row.dataset.probability = order[0][0];
  row.dataset.distance = answer.distance;
  row.dataset.accepted = accepted;
  const said = accepted
    ? `${percent(order[0][0])} sure.`
    : `It looks too little like any photo that this was trained on. Of the classes that there are, ${order[0][1]} comes nearest.`;
  row.append(element("p", said));
  const list = element("ul", undefined, "labels");
  // How likely each class is means nothing where it is none of them.
  for (const [value, label] of accepted ? order.slice(0, 5) : []) {
    const entry = element("li"), meter = element("meter");
    meter.value = value;
    meter.setAttribute("aria-label", `${label}, ${percent(value)}`);
    entry.append(element("span", label), meter, element("span", percent(value)));
    list.append(entry);
  }
  const alike = element("div", undefined, "alike");
  const nearest = facts.shown.map((photo) => [answer.likeness[photo.number], photo]).sort((one, other) => other[0] - one[0]);
  for (const [, photo] of nearest.slice(0, 3)) {
    const figure = element("figure");
    figure.append(thumbnail(photo.image, `trained on: ${photo.label}`), element("figcaption", photo.label));
    alike.append(figure);
  }
  row.append(list, element("p", "Looks most like these photos, which it was trained on:", "quiet"), alike);
}

async function take(file) {
  const row = element("li"), picture = URL.createObjectURL(file);
  row.append(element("p", file.name || "photo", "name"));
  answers.prepend(row);
  try {
    say(session.ready ? `Looking at ${file.name || "the photo"} …` : "Loading the network …");
    const answer = await ask(file);
    row.prepend(thumbnail(picture, file.name || "photo"));
    show(answer, row);
  } catch (error) {
    URL.revokeObjectURL(picture);
    row.className = "refused";
    row.append(element("p", `Not read: ${error.message || error}.`));
  }
}

function takeAll(files) {
  const list = [...files];
  for (const file of list) {
    waiting = waiting.then(() => take(file)).then(() => new Promise((resolve) => setTimeout(resolve)));
  }
  waiting = waiting.then(() => say(list.length ? `${answers.children.length} photos answered.` : ""));
}

const drop = document.getElementById("drop");
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  takeAll(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => takeAll(event.clipboardData.files));
for (const id of ["choose", "photograph"]) {
  document.getElementById(id).addEventListener("change", (event) => {
    takeAll(event.target.files);
    event.target.value = "";
  });
}
session = load();
session.then(
  () => {
    session.ready = true;
    document.body.dataset.ready = "yes";
    say("Ready.");
  },
  (error) => {
    document.body.dataset.ready = "no";
    say(`This page cannot work here: ${error.message || error}`);
  },
);
