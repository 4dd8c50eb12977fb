"""What computes an exported classifier in a browser: its size, its speed, and whether it says the same.

    npm install @litertjs/core @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
    tensorflowjs_converter --input_format=tf_saved_model --signature_name=serving_default EXPORT/saved_model NETWORK
    python benchmarks/browser_runtimes.py EXPORT node_modules NETWORK

EXPORT: data/export of a backbone of Keras. tensorflowjs_converter is of the package tensorflowjs, which wants another
TensorFlow than this project and so an environment of its own. ONNX Runtime Web is the one that the page has. Each
runtime is asked about the same random pixels in Chromium, on one thread, photo by photo, by turns.
"""

import argparse
import functools
import gzip
import http.server
import json
import statistics
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/support"))
import browser

ONNX = Path(__file__).parent.parent / "workflow/huskies/exports/onnxruntime_web"
PHOTOS, ROUNDS = 10, 5
PAGE = """<!doctype html><html lang="en"><title>runtimes</title>
<script src="modules/@tensorflow/tfjs/dist/tf.min.js"></script>
<script src="modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js"></script>
<script type="importmap">{"imports": {"@litertjs/wasm-utils": "/modules/@litertjs/wasm-utils/dist/index.js"}}</script>
<script type="module">
const SIDE = %(side)d;
function pixels(number) {
  let state = number + 1;
  return Float32Array.from({ length: SIDE * SIDE * 3 }, () => {
    state = (state * 1103515245 + 12345) %% 2147483648;
    return state %% 256;
  });
}
const loaders = {
  async onnx() {
    const ort = await import("/onnx/ort.wasm.bundle.min.mjs");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = { wasm: "/onnx/ort-wasm-simd-threaded.wasm" };
    const session = await ort.InferenceSession.create("/export/model.onnx", { executionProviders: ["wasm"] });
    return async (given) => {
      const found = await session.run({ pixels: new ort.Tensor("float32", given, [1, SIDE, SIDE, 3]) });
      return [...found.probabilities.data];
    };
  },
  async litert() {
    const litert = await import("/modules/@litertjs/core/dist/index.js");
    await litert.loadLiteRt("/modules/@litertjs/core/wasm/");
    const model = await litert.loadAndCompile("/export/model.tflite", { accelerator: "wasm" });
    return async (given) => {
      const tensor = new litert.Tensor(given, [1, SIDE, SIDE, 3]);
      const found = await model.run({ pixels: tensor });
      const said = [...(await found.probabilities.data())];
      tensor.delete();
      Object.values(found).forEach((each) => each.delete());
      return said;
    };
  },
  async tensorflow() {
    tf.wasm.setWasmPaths("/modules/@tensorflow/tfjs-backend-wasm/dist/");
    tf.wasm.setThreadsCount(1);
    await tf.setBackend("wasm");
    const model = await tf.loadGraphModel("/network/model.json");
    return async (given) => {
      const tensor = tf.tensor(given, [1, SIDE, SIDE, 3]);
      const found = Object.values(model.predict(tensor));
      const said = [...found.find((each) => each.shape.length === 2).dataSync()];
      tf.dispose([tensor, ...found]);
      return said;
    };
  },
};
window.measure = async (photos, rounds) => {
  const told = {};
  for (const [name, load] of Object.entries(loaders)) {
    try {
      const began = performance.now(), ask = await load();
      const said = await ask(pixels(0));
      told[name] = { ask, ready: performance.now() - began, said: [said], times: [] };
    } catch (error) {
      told[name] = { failed: String(error) };
    }
  }
  const able = Object.values(told).filter((each) => each.ask);
  for (let number = 1; number < photos; number++) {
    for (const each of able) each.said.push(await each.ask(pixels(number)));
  }
  for (let round = 0; round < rounds; round++) for (const each of able) {
    const began = performance.now();
    for (let number = 0; number < photos; number++) await each.ask(pixels(number));
    each.times.push((performance.now() - began) / photos);
  }
  return JSON.stringify(told);
};
</script></html>"""


def gzipped(*files: Path) -> float:
    """Return the megabytes of files as a page carries them: compressed, without the quarter that base64 adds."""
    return sum(len(gzip.compress(each.read_bytes(), 9)) for each in files) / 1e6


def main() -> None:
    """Print a line for each runtime."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("export", "modules", "network"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    side = json.loads((given.export / "two_huskies.json").read_text())["pixels"]["shape"][1]
    with tempfile.TemporaryDirectory() as place:
        served = Path(place)
        (served / "onnx").mkdir()
        packed = ONNX / "ort-wasm-simd-threaded.wasm.gz"
        (served / "onnx/ort-wasm-simd-threaded.wasm").write_bytes(gzip.decompress(packed.read_bytes()))
        (served / "onnx/ort.wasm.bundle.min.mjs").write_bytes((ONNX / "ort.wasm.bundle.min.mjs").read_bytes())
        for name in ("export", "modules", "network"):
            (served / name).symlink_to(getattr(given, name).resolve())
        (served / "index.html").write_text(PAGE % {"side": side})
        modules = served / "modules"
        litert, wasm = modules / "@litertjs/core", modules / "@tensorflow/tfjs-backend-wasm/dist"
        inside = litert / "wasm/litert_wasm_internal"
        sizes = {
            "onnx": gzipped(*(served / "onnx").iterdir()),
            "litert": gzipped(litert / "dist/index.js", inside.with_suffix(".js"), inside.with_suffix(".wasm")),
            "tensorflow": gzipped(
                modules / "@tensorflow/tfjs/dist/tf.min.js",
                wasm / "tf-backend-wasm.min.js",
                wasm / "tfjs-backend-wasm-simd.wasm",
            ),
        }
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
        handler.log_message = lambda *_: None
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, browser.chromium() as chromium:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with browser.visit(chromium, f"http://127.0.0.1:{server.server_address[1]}/index.html") as visit:
                told = json.loads(visit.page.evaluate(f"window.measure({PHOTOS}, {ROUNDS})"))
            server.shutdown()
    for name, each in told.items():
        if "failed" in each:
            print(f"{name}: {sizes[name]:.1f} MB, {each['failed']}")
            continue
        apart = max(
            abs(a - b)
            for mine, first in zip(each["said"], told["onnx"]["said"], strict=True)
            for a, b in zip(mine, first, strict=True)
        )
        print(
            f"{name}: {sizes[name]:.1f} MB, ready with its first answer in {each['ready']:.0f} ms, then "
            f"{statistics.median(each['times']):.1f} ms a photo, at most {apart:.5f} from ONNX Runtime"
        )


if __name__ == "__main__":
    main()
