"""A program of its own that speaks lines of text with a piper voice.

Arguments: the voice's model and its configuration. Input: one JSON string a line. Output for each:
a line `<rate> <samples>`, then the samples as signed 16 bit, little endian. It imports nothing of
this product, and the product does not import it.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Speak every line of the input."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the samples
    os.nice(10)  # calls come first
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 (heavy: only in the program)
    import piper  # noqa: PLC0415
    from piper.config import PiperConfig, SynthesisConfig  # noqa: PLC0415

    model, configuration = sys.argv[1:]
    os.chdir(Path(piper.__file__).parent)  # espeak-ng has no room for a long path to its data
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    onnxruntime.set_seed(1)
    voice = piper.PiperVoice(
        session=onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"]),
        config=PiperConfig.from_dict(json.loads(Path(configuration).read_text(encoding="utf-8"))),
        espeak_data_dir=Path("espeak-ng-data"),
    )
    manner = SynthesisConfig(noise_scale=0.4, noise_w_scale=0.5, length_scale=1.05)
    for line in sys.stdin.buffer:
        chunks = list(voice.synthesize(json.loads(line), manner))
        rate = chunks[0].sample_rate if chunks else 22_050
        pause = bytes(2 * (rate // 4))  # a sentence's end; piper gives it none
        spoken = pause.join(chunk.audio_int16_array.astype("<i2").tobytes() for chunk in chunks)
        output.write(b"%d %d\n" % (rate, len(spoken) // 2) + spoken)
        output.flush()


if __name__ == "__main__":
    main()
