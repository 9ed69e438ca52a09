/** Guest systems: what `createvm` takes and what `showvminfo` prints; as many as anybody here makes. */
export const osTypes: Record<string, string> = {
  Debian_64: "Debian (64-bit)",
  Ubuntu_64: "Ubuntu (64-bit)",
  Other: "Other/Unknown",
};
