// What hears the microphone, beside the page: it hands on what it hears, in parts of about a tenth of a second.
"use strict";

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.part = new Float32Array(4096);
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.part[this.filled++] = sample;
      if (this.filled === this.part.length) {
        this.port.postMessage(this.part.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
