"""Support: check-ins once somebody works, the action plan, barriers, distance travelled, and what waits for whom."""
