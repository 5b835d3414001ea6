"""The workshop: trained models in, bundles out. Heavy; runs on a workstation."""
