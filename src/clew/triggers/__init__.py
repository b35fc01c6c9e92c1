"""When should something happen? Pure rules: filters that say why not, and schedules."""
