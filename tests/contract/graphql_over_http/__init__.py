"""The npm project with which `test_graphql_over_http.py` audits the endpoint; copied out before it is used."""
