"""Shared Voicemail: a control plane for voicemail boxes that belong to a team."""
