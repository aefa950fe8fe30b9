"""The networks, one package each; nothing else in the program names one."""
