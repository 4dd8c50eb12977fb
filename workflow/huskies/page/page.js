"use strict";

// Without this script all missed images are shown, in the order of the page, and open one by one.
const filters = document.getElementById("filters");
if (filters) {
  const list = document.getElementById("missed-images");
  const status = document.getElementById("missed-status");
  const items = [...list.children];

  const orders = {
    page: () => 0,
    unsure: (one, other) => one.dataset.probability - other.dataset.probability,
    sure: (one, other) => other.dataset.probability - one.dataset.probability,
    predicted: (one, other) => one.dataset.predicted.localeCompare(other.dataset.predicted),
  };

  function isWanted(item) {
    const { actual, predicted, missedby, least } = filters.elements;
    return (
      (!actual.value || item.dataset.actual === actual.value) &&
      (!predicted.value || JSON.parse(item.dataset.guesses).includes(predicted.value)) &&
      (!missedby.value || item.dataset.missedby.split(" ").includes(missedby.value)) &&
      100 * item.dataset.probability >= least.value
    );
  }

  function show() {
    for (const item of items) item.hidden = !isWanted(item);
    // Sorting is stable, so the page's own order decides among equals.
    list.append(...[...items].sort(orders[filters.elements.order.value]));
    const shown = items.filter((item) => !item.hidden).length;
    status.textContent = `${shown} of ${items.length} images are shown.`;
  }

  filters.addEventListener("input", show);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(show));
  filters.hidden = false;
  show();
}

// On paper nothing can be opened.
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
window.addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
