"""When triggers start executions, and with what: pure functions, every date and every stored value is an argument.

``schedule`` counts dates, ``conditions`` judges them, ``windows`` remembers which upstream executions came,
``upstream`` judges one of these, ``starting`` makes what the new execution gets. Import the modules where a trigger is
evaluated: calendars are slow to load, and most processes never look at one.
"""
