"""Fakes, scripted peers and other aids of the tests."""
