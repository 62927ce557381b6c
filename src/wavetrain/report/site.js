// Finds claims by their words and verdicts. Without this script all claims are shown.
"use strict";
const form = document.getElementById("find");
const search = document.getElementById("words");
const told = document.getElementById("told");
const entries = [...document.querySelectorAll("[data-claim]")].map(entry => ({
  entry,
  text: entry.textContent.toLowerCase(),
  verdict: entry.dataset.claim,
}));
const topics = [...document.querySelectorAll("[data-topic]")];

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdicts = new Set([...form.querySelectorAll("input[name=verdict]:checked")].map(box => box.value));
  let shown = 0;
  for (const { entry, text, verdict } of entries) {
    const fits = verdicts.has(verdict) && words.every(word => text.includes(word));
    entry.hidden = !fits;
    shown += fits;
  }
  for (const topic of topics) {
    topic.hidden = !topic.querySelector("[data-claim]:not([hidden])");
  }
  told.textContent = `${shown} of ${entries.length} claims`;
}

form.hidden = false;
form.addEventListener("input", show);
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", () => setTimeout(show));
show();
