// What script adds to pages that work without it.
"use strict";

// A text to hand on gets a button that copies it.
for (const field of document.querySelectorAll("input[data-copy]")) {
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button plain";
  button.textContent = field.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    document.getElementById("status").textContent = field.dataset.copied;
    button.textContent = field.dataset.copied;
  });
  field.addEventListener("focus", () => field.select());
  field.after(button);
}

// How far publishing is, is told while it lasts; a browser to which nothing is told asks now and then.
(() => {
  let source, soon;

  function ask() {
    clearTimeout(soon);
    soon = setTimeout(() => {
      const progress = document.querySelector("#progress[data-events]");
      // What is under way may be older than what was told.
      if (progress?.classList.contains("htmx-request")) ask();
      else progress?.dispatchEvent(new CustomEvent("told"));
    }, 50);
  }

  function follow() {
    const progress = document.querySelector("#progress[data-events]");
    if (!progress || document.hidden) {
      source?.close();
      source = undefined;
    } else if (!source) {
      source = new EventSource(progress.dataset.events);
      source.addEventListener("changed", ask);
      source.addEventListener("full", () => source.close());
      source.addEventListener("signed-out", () => location.reload());
    }
  }

  document.addEventListener("htmx:afterSettle", follow);
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", () => source?.close());
  follow();
})();

// What asks again and again rests while nobody looks.
document.addEventListener("htmx:beforeRequest", (event) => {
  const asks = event.target.getAttribute("hx-trigger") ?? "";
  if (document.hidden && asks.startsWith("every ")) event.preventDefault();
});
