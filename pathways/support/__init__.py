"""Support: check-ins on jobseekers in work, action plans, barriers, distance travelled, the worklist and fidelity."""
