// Messages: playing them here, by keys too, and what colleagues and callers do, as it happens.
"use strict";

(() => {
  const list = document.getElementById("list");
  const letter = document.getElementById("message");
  const dock = document.getElementById("dock");
  const audio = (letter ?? dock).querySelector("audio");
  const token = document.querySelector('input[name="csrf"]').value;
  const byId = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll("#rows > tr")];

  // -- Fetching this page again and taking over what is different ------------------------------------

  let turn = 0;

  async function fetched(address, options) {
    const mine = ++turn;
    const answer = await fetch(address, options);
    if (new URL(answer.url).pathname !== location.pathname) {
      location.assign(answer.url);
      return null;
    }
    // The message was deleted for good meanwhile; the page that says so is the answer.
    if (letter && answer.status === 404) location.reload();
    if (!answer.ok) throw new Error(answer.status);
    const page = parsed(await answer.text());
    // A later request has a newer answer; only what was done must still be told.
    return mine === turn || options?.method === "POST" ? page : null;
  }

  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  function copy(page, id) {
    byId(id).replaceChildren(...document.adoptNode(page.getElementById(id)).childNodes);
  }

  function mergeRows(old, fresh) {
    const before = new Map([...old.children].map((row) => [row.id, row]));
    let arrived = false;
    [...fresh.children].forEach((row, place) => {
      let kept = before.get(row.id);
      before.delete(row.id);
      if (!kept) {
        kept = document.adoptNode(row);
        kept.classList.add("fresh");
        arrived ||= kept.classList.contains("unread");
      } else if (kept.dataset.version === row.dataset.version) {
        const newer = document.adoptNode(row);
        for (const part of [".received", ".state"]) {
          kept.querySelector(part).replaceWith(newer.querySelector(part));
        }
      } else {
        row.querySelector("input").checked = kept.querySelector("input").checked;
        row.classList.toggle("current", kept.classList.contains("current"));
        const newer = document.adoptNode(row);
        kept.replaceWith(newer);
        kept = newer;
      }
      if (old.children[place] !== kept) old.insertBefore(kept, old.children[place] ?? null);
    });
    before.forEach((row) => row.remove());
    return arrived;
  }

  function merge(page, tell) {
    const fresh = page.getElementById("list");
    if (!fresh) return location.reload();
    const focus = document.activeElement;
    const row = focus.closest("#rows > tr");
    const place = rows().indexOf(row);
    const part = ["input", ".play", ".caller a", "a.tool", "button.tool"].find((each) => focus.matches(each));
    let arrived = false;
    if (byId("rows") && page.getElementById("rows")) {
      arrived = mergeRows(byId("rows"), page.getElementById("rows"));
      byId("messages").action = page.getElementById("messages").getAttribute("action");
      document.querySelector(".pager")?.remove();
      const pager = page.querySelector(".pager");
      if (pager) list.append(document.adoptNode(pager));
    } else {
      arrived = Boolean(page.querySelector("#rows > .unread"));
      list.replaceChildren(...document.adoptNode(fresh).childNodes);
      prepare();
    }
    copy(page, "tabs");
    copy(page, "unread");
    copy(page, "fill");
    if (tell) copy(page, "told");
    else if (arrived) byId("arrivals").textContent = list.dataset.arrived;
    if (row && !focus.isConnected) {
      const next = byId(row.id) ?? rows()[Math.min(place, rows().length - 1)];
      (next?.querySelector(part ?? ".play") ?? byId("main")).focus();
      if (next && row.classList.contains("current")) select(next);
    }
    shown();
  }

  async function refresh() {
    try {
      const page = await fetched(location.href, { headers: { "X-Live": "yes" } });
      if (page && list) merge(page, false);
      if (page && letter) {
        for (const part of [".facts", "form"]) {
          letter.querySelector(part).replaceWith(document.adoptNode(page.querySelector(`#message ${part}`)));
        }
        letter.dataset.state = page.getElementById("message").dataset.state;
      }
      return true;
    } catch {
      return false;
    }
  }

  async function send(address, fields, otherwise) {
    try {
      const page = await fetched(address, { method: "POST", body: new URLSearchParams(fields) });
      if (page) merge(page, true);
    } catch {
      otherwise();
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const by = event.submitter;
    if (!list || !("inPlace" in form.dataset) || ["purge", "download"].includes(by?.value)) return;
    event.preventDefault();
    send(form.action, new FormData(form, by), () => {
      delete form.dataset.inPlace;
      form.requestSubmit(by);
    });
  });

  // -- Choosing ------------------------------------------------------------------------------------------

  function shown() {
    const boxes = [...document.querySelectorAll('#rows input[name="id"]')];
    const chosen = boxes.filter((box) => box.checked).length;
    const all = byId("choose-all");
    if (!all) return;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    const said = list.querySelector(".chosen");
    const text = chosen ? said.dataset.text.replace("#", chosen) : "";
    if (said.textContent !== text) said.textContent = text;
    for (const row of rows()) row.classList.toggle("playing", row.id === `m-${playing}`);
  }

  function prepare() {
    const all = byId("choose-all");
    if (!all) return;
    all.parentElement.hidden = false;
    all.addEventListener("change", () => {
      for (const box of document.querySelectorAll('#rows input[name="id"]')) box.checked = all.checked;
    });
  }

  // -- Playing -------------------------------------------------------------------------------------------

  let playing = letter?.dataset.message ?? null;
  const show = window.waveOf((letter ?? dock).querySelector(".wave"), audio);
  if (letter) show(`${letter.dataset.audio}${playing}/peaks`, Number(letter.dataset.seconds));
  const speeds = [1, 1.5, 2];

  function play(row) {
    const id = row.querySelector("[data-play]").dataset.play;
    if (id === playing && !dock.hidden) return toggle();
    playing = id;
    audio.replaceChildren(
      ...["mpeg", "wav"].map((kind) => {
        const source = document.createElement("source");
        source.src = `${dock.dataset.audio}${id}/audio?format=${kind === "mpeg" ? "mp3" : "wav"}`;
        source.type = `audio/${kind}`;
        return source;
      }),
    );
    audio.lastElementChild.addEventListener("error", () => {
      dock.querySelector(".of").textContent = dock.dataset.missing;
    });
    const said = [row.querySelector(".caller a"), row.querySelector("time")];
    dock.querySelector(".of").textContent = said.map((each) => each.textContent).join(" · ");
    dock.hidden = false;
    select(row);
    show(`${dock.dataset.audio}${id}/peaks`, Number(row.dataset.seconds));
    audio.load();
    audio.defaultPlaybackRate = audio.playbackRate = speeds.find((each) => speed().textContent === `${each}×`);
    audio.play().catch(() => {});
    shown();
  }

  function toggle() {
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  }

  // Colleagues see who listens to what: this page says so again as long as it plays.
  const player = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((each) => each.toString(16).padStart(2, "0"))
    .join("");
  let listened = null;
  let saying = Promise.resolve();
  let beat = 0;

  const say = (what, id) =>
    fetch(`${(letter ?? dock).dataset.audio}${id}/${what}`, {
      method: "POST",
      headers: { "X-CSRF-Token": token },
      body: new URLSearchParams({ player }),
      keepalive: true,
    }).catch(() => {});

  function listens(id, now) {
    if (id === listened) return;
    const before = listened;
    listened = id;
    clearInterval(beat);
    // One after the other: what is said last must arrive last.
    const then = (what, of) => (saying = now ? say(what, of) : saying.then(() => say(what, of)));
    if (before) then("stopped", before);
    if (!id) return;
    then("playing", id);
    beat = setInterval(() => then("playing", id), 5_000);
  }

  audio.addEventListener("play", () => listens(playing));
  for (const kind of ["pause", "ended", "emptied", "error"]) audio.addEventListener(kind, () => listens(null));
  window.addEventListener("pagehide", () => listens(null, true));

  const speed = () => dock.querySelector("[data-speed]");

  async function heard() {
    await fetch(`${(letter ?? dock).dataset.audio}${playing}/heard`, {
      method: "POST",
      headers: { "X-CSRF-Token": token },
    });
    await refresh();
  }

  audio.addEventListener("ended", () => heard().catch(() => {}));

  if (dock) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-play]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      play(link.closest("tr"));
    });
    dock.querySelector(".speed").addEventListener("click", () => {
      const at = speeds.findIndex((each) => speed().textContent === `${each}×`);
      const next = speeds[(at + 1) % speeds.length];
      speed().textContent = `${next}×`;
      audio.playbackRate = next;
    });
    dock.querySelector("[data-close]").addEventListener("click", () => {
      audio.pause();
      dock.hidden = true;
      const row = byId(`m-${playing}`);
      playing = null;
      shown();
      (row?.querySelector(".play") ?? byId("main")).focus();
    });
    for (const kind of ["play", "pause", "ended"]) {
      audio.addEventListener(kind, () => dock.classList.toggle("sounding", !audio.paused));
    }
  }

  // -- Keys ----------------------------------------------------------------------------------------------

  const help = byId("keys");
  const switched = byId("keys-on");
  const memory = "shared-voicemail-keys";
  try {
    switched.checked = localStorage.getItem(memory) !== "off";
  } catch {
    // No memory allowed: the keys are on.
  }
  switched.addEventListener("change", () => {
    try {
      localStorage.setItem(memory, switched.checked ? "on" : "off");
    } catch {
      // Then they are so until the page is left.
    }
  });
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }

  function current() {
    const row = document.activeElement.closest("#rows > tr") ?? document.querySelector("#rows > .current");
    return row ?? byId(`m-${playing}`) ?? null;
  }

  function select(row) {
    document.querySelector("#rows > .current")?.classList.remove("current");
    row.classList.add("current");
  }

  function move(by) {
    const all = rows();
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
    if (!next) return;
    select(next);
    next.querySelector(".play").focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function press(value) {
    letter.querySelector(`button[value="${value}"]`)?.click();
  }

  const seek = (by) => {
    audio.currentTime = Math.max(0, Math.min(audio.duration || 0, audio.currentTime + by));
  };

  const keys = {
    " ": () => (letter ? toggle() : (current() ?? rows()[0]) && play(current() ?? rows()[0])),
    ArrowLeft: () => seek(-5),
    ArrowRight: () => seek(5),
    j: () => move(1),
    k: () => move(-1),
    r: () => {
      if (letter) return press(letter.dataset.state === "new" ? "mark_read" : "mark_unread");
      const row = current();
      if (!row || row.dataset.state === "deleted") return;
      const fields = {
        csrf: token,
        do: row.dataset.state === "new" ? "mark_read" : "mark_unread",
        id: row.id.slice(2),
      };
      send(byId("messages").action, fields, () => location.reload());
    },
    d: () => (letter ? press("delete") : current()?.querySelector('button[value^="delete:"]')?.click()),
    f: () => {
      if (letter) return letter.querySelector("[data-forward]")?.click();
      const row = current();
      const address = `${dock.dataset.audio}${row?.id.slice(2)}/forward?back=list`;
      if (row && "forwards" in list.dataset) location.assign(address);
    },
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const key = keys[event.key];
    if (!key || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
      return;
    }
    const at = event.target;
    if (at.closest('input:not([type="checkbox"]), textarea, select, [contenteditable], dialog, audio')) return;
    // What these do by themselves is what is meant.
    if (event.key === " " && at.closest("button, input, summary")) return;
    if (event.key.startsWith("Arrow") && !letter && dock.hidden) return;
    if (/^[a-z?]$/.test(event.key) && !switched.checked) return;
    if (letter && (event.key === "j" || event.key === "k")) return;
    event.preventDefault();
    key();
  });

  // -- What others do ------------------------------------------------------------------------------------

  const live = list ?? letter;
  let source = null;
  let asking = 0;
  let soon = 0;

  function lively(yes) {
    const said = byId("live");
    said.hidden = false;
    const text = yes ? said.dataset.live : said.dataset.lost;
    if (said.textContent !== text) said.textContent = text;
    clearInterval(asking);
    // Without a stream this page asks, and tries the stream again.
    asking = yes ? 0 : setInterval(() => (refresh(), source?.readyState === 2 && listen()), 15_000);
  }

  function changed(event) {
    if (event.data) {
      // It is newer than an answer that is on its way.
      turn++;
      return merge(parsed(event.data), false);
    }
    clearTimeout(soon);
    soon = setTimeout(refresh, 50);
  }

  function listen() {
    source?.close();
    // What this page shows comes along with each event.
    source = new EventSource(live.dataset.events + (list ? location.search : ""));
    source.addEventListener("listening", () => lively(true));
    source.addEventListener("changed", changed);
    source.addEventListener("full", () => {
      source.close();
      lively(false);
    });
    source.addEventListener("signed-out", () => location.reload());
    source.addEventListener("error", () => lively(false));
  }

  // A browser opens few connections to a host: pages that nobody sees need none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source.close();
    else listen();
  });
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && listen());

  listen();
  if (!list) return;

  // Looking for a caller finds as one types.
  const search = document.querySelector(".filters");
  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(async () => {
      const said = [...new FormData(search)].filter(([, value]) => value);
      const address = `${location.pathname}${said.length ? `?${new URLSearchParams(said)}` : ""}`;
      history.replaceState(null, "", address);
      listen();
      await refresh();
    }, 250);
  });

  document.addEventListener("change", (event) => event.target.matches(".letters input, .bulk input") && shown());
  prepare();
  shown();
})();
