"""What a panorama does to stereo, in figures, a page and a picture."""
