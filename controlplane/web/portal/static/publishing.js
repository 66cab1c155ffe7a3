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
