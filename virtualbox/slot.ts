/** Where a drive is. */
export interface Slot {
  controller: string;
  port: number;
  device: number;
}

/** Names a drive, as `VBoxManage storageattach` wants it. */
export const slotArguments = ({ controller, port, device }: Slot) => [
  "--storagectl",
  controller,
  "--port",
  String(port),
  "--device",
  String(device),
];
