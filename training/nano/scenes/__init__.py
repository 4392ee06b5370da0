"""Whole pictures with the facts that questions are asked about."""
