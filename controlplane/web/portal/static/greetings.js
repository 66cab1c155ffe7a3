// Greetings from the microphone and from files that the server does not read: both are sent as a WAV file.
"use strict";

// 16 bit, mono; the server makes it fit for the telephone.
function wav(parts, rate) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * length));
  const text = (at, letters) => [...letters].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * length, true);
  let at = 44;
  for (const part of parts) {
    for (const sample of part) {
      view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
      at += 2;
    }
  }
  return new File([view], "recording.wav", { type: "audio/wav" });
}

// What only the browser can read (M4A of a phone, WebM) it makes a WAV of; what it cannot, the server refuses in words.
(() => {
  const form = document.getElementById("upload");
  const input = form.querySelector("input[type=file]");
  const READ_THERE = /\.(wav|mp3|ogg|oga|opus|flac)$/i;
  const MOST_BYTES = 16 * 2 ** 20;
  const RATE = 24000;
  let ready = false;
  input.addEventListener("change", () => {
    ready = false;
  });

  form.addEventListener("submit", async (event) => {
    const [file] = input.files;
    if (ready || !file || READ_THERE.test(file.name) || file.size > MOST_BYTES) return;
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    try {
      const heard = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
      const channels = Array.from({ length: heard.numberOfChannels }, (_, n) => heard.getChannelData(n));
      const mixed = channels[0].map((_, at) => channels.reduce((sum, one) => sum + one[at], 0) / channels.length);
      const chosen = new DataTransfer();
      chosen.items.add(wav([mixed], RATE));
      input.files = chosen.files;
    } catch {
      // It goes as it is.
    }
    button.disabled = false;
    ready = true;
    form.requestSubmit(button);
  });
})();

(() => {
  const place = document.getElementById("record");
  const words = place.dataset;
  const said = place.querySelector("[data-said]");
  const start = place.querySelector("[data-start]");
  const stop = place.querySelector("[data-stop]");
  const clock = place.querySelector("[data-clock]");
  const level = place.querySelector("[data-level]");
  const without = place.querySelector("[data-without]");
  const form = document.getElementById("upload");

  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    without.textContent = words.insecure;
    return;
  }
  without.hidden = true;
  place.querySelector(".recorder").hidden = false;

  let ending = null;

  async function begin() {
    said.textContent = "";
    start.disabled = true;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    } catch (error) {
      said.textContent = error.name === "NotFoundError" ? words.missing : words.refused;
      start.disabled = false;
      return;
    }
    const context = new AudioContext();
    // A file of its own, because the page allows no script that is made here.
    await context.audioWorklet.addModule(words.worklet);
    const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    const parts = [];
    let samples = 0;
    tap.port.onmessage = ({ data }) => {
      parts.push(data);
      samples += data.length;
      level.value = Math.min(1, 2 * Math.max(...data.map(Math.abs)));
      const seconds = Math.floor(samples / context.sampleRate);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds >= Number(words.longest)) ending?.();
    };
    context.createMediaStreamSource(stream).connect(tap);
    said.textContent = words.recording;
    start.hidden = true;
    stop.hidden = false;
    stop.focus();
    ending = async () => {
      ending = null;
      stream.getTracks().forEach((track) => track.stop());
      const rate = context.sampleRate;
      await context.close();
      stop.disabled = true;
      said.textContent = words.sending;
      const body = new FormData(form);
      body.set("greeting", wav(parts, rate));
      body.set("do", "file");
      await send(body);
    };
  }

  async function send(body) {
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      if (answer.redirected) {
        location.assign(answer.url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      said.textContent = page.querySelector("#greeting-fault, main p")?.textContent ?? words.failed;
    } catch {
      said.textContent = words.failed;
    }
    stop.hidden = true;
    stop.disabled = false;
    start.hidden = false;
    start.disabled = false;
    start.focus();
  }

  start.addEventListener("click", begin);
  stop.addEventListener("click", () => ending?.());
})();
