"""Traces of tampering in scans that nobody sealed: methods behind one contract, calibrated on untouched scans."""
