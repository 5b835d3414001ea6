"""Cross-layer equalisation: ranges of coupled channels made alike, exactly."""
