"""What each network is, one package each."""
