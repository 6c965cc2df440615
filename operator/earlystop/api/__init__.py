"""The kinds as typed, frozen values; the CRDs are generated from here."""
