/** A guest on NIC 080027A1B201, and in a pod network, whose first boot is over. */
export const firstBootReport = {
  bootId: "b",
  reached: "installed" as const,
  status: "done",
  errors: [],
  warnings: [],
  addresses: new Map([
    ["08:00:27:a1:b2:01", "192.168.2.131"],
    ["0a:58:00:00:00:01", "10.244.1.1"],
  ]),
};
