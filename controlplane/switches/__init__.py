"""Adapters of the Call and SwitchControl ports."""
