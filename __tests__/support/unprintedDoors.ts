/** Flags of `modifyvm` that open what VirtualBox does not print: so it is closed at birth, and is no drift. */
export const unprintedDoors = [
  ["--usbcardreader", "on"],
  ["--nictrace1", "on"],
  ["--tpm-type", "host"],
  ["--guest-debug-provider", "gdb"],
].flat();
