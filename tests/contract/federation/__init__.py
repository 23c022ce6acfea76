"""The npm project with which `test_federation_composition.py` composes the subgraph; copied out before it is used."""
