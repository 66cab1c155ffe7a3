"""Tests of this tier; a package, so that what it starts ends with it."""
