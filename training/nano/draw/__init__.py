"""Drawing: backgrounds, pictograms, shapes and lettering on one small square canvas."""
