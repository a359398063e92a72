"""Journeys by the timetables of buses, trams and trains."""
