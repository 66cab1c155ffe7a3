// How loud a message is along its length, and where it plays: a slider for pointer and keys.
"use strict";

(() => {
  const NS = "http://www.w3.org/2000/svg";
  const HEIGHT = 40;

  function drawn(peaks) {
    const loudest = Math.max(24, ...peaks);
    const lines = peaks.map((peak, at) => {
      const half = Math.max(0.75, (peak / loudest) * (HEIGHT / 2 - 1));
      return `M${at + 0.5} ${(HEIGHT / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
    });
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", `0 0 ${peaks.length} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const kind of ["rest", "past"]) {
      const path = document.createElementNS(NS, "path");
      path.setAttribute("class", kind);
      path.setAttribute("d", lines.join(""));
      svg.append(path);
    }
    return svg;
  }

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  // Makes `place` the slider of `audio`; answers with what shows another message in it.
  window.waveOf = (place, audio) => {
    let length = 0;
    let wanted = null;
    let turn = 0;

    function told() {
      const all = audio.duration > 0 && audio.duration < Infinity ? audio.duration : length;
      const at = Math.min(all, wanted ?? audio.currentTime);
      place.style.setProperty("--at", all ? at / all : 0);
      place.setAttribute("aria-valuemax", Math.round(all));
      place.setAttribute("aria-valuenow", Math.round(at));
      place.setAttribute("aria-valuetext", place.dataset.text.replace("#", clock(at)).replace("#", clock(all)));
    }

    function seek(to) {
      const all = audio.duration > 0 && audio.duration < Infinity ? audio.duration : length;
      const at = Math.max(0, Math.min(all, to));
      if (audio.readyState > 0) {
        audio.currentTime = at;
      } else {
        // Nothing is loaded yet: it goes there once it is.
        wanted = at;
        audio.preload = "metadata";
        // To load again would stop what was just begun to play.
        if (audio.networkState !== HTMLMediaElement.NETWORK_LOADING) audio.load();
      }
      told();
    }

    audio.addEventListener("loadedmetadata", () => {
      if (wanted !== null) audio.currentTime = wanted;
      wanted = null;
      told();
    });
    for (const kind of ["timeupdate", "seeked", "durationchange", "emptied"]) audio.addEventListener(kind, told);

    const under = (event) => {
      const box = place.getBoundingClientRect();
      const all = audio.duration > 0 && audio.duration < Infinity ? audio.duration : length;
      seek(((event.clientX - box.left) / box.width) * all);
    };
    place.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      place.setPointerCapture(event.pointerId);
      under(event);
    });
    place.addEventListener("pointermove", (event) => place.hasPointerCapture(event.pointerId) && under(event));
    place.addEventListener("keydown", (event) => {
      const now = wanted ?? audio.currentTime;
      const to = {
        ArrowLeft: now - 5, ArrowDown: now - 5, ArrowRight: now + 5, ArrowUp: now + 5,
        PageDown: now - 15, PageUp: now + 15, Home: 0, End: audio.duration || length,
      }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      seek(to);
    });

    return async (address, seconds) => {
      const mine = ++turn;
      length = seconds;
      wanted = null;
      place.hidden = true;
      told();
      try {
        const answer = await fetch(address);
        const peaks = answer.ok ? (await answer.json()).peaks : [];
        if (mine !== turn || !peaks.length) return;
        place.replaceChildren(drawn(peaks));
        place.hidden = false;
      } catch {
        // The player's own bar is there.
      }
    };
  };
})();
