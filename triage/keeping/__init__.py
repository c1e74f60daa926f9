"""How long tips are kept, and how they end: schedules, legal hold, erasing, certificates, tombstones."""
