"""What a person on the phone meets, written once over the Call and Voicemail ports."""
