"""Everything that each network is, a package a network; nothing elsewhere names one."""
