"""Values and rules of shared voicemail; standard library only."""
