"""The integration tests' laboratory: private Internet, Postfix, clients and danegated, all inside one namespace."""
