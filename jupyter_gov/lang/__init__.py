"""The flow language: YAML text becomes a checked flow, every problem with its place.

``source`` reads text, ``check`` makes a flow of it, ``expr`` renders expressions, ``schema`` feeds editors. Knows no
plugins and does no I/O.
"""
