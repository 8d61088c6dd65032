"""Room microphones, which speak no protocol: their messages become sessions."""
