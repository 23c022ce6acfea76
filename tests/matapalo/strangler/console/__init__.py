"""The console, over the real changes of a table in memory and stand-ins for everything that is measured."""
