import type { NicType } from "./nicKinds";

/** A network adapter. */
export interface Nic {
  /** What it is attached to, as VirtualBox calls it. */
  type: NicType;
  /** Name of the network, or of the host's adapter for hostonly and bridged. None for nat. */
  network?: string;
  /** MAC address: 12 upper-case hexadecimal digits. */
  mac: string;
}

/** A disk that is made for a machine. */
export interface Disk {
  /** Size, in MB. */
  sizeMb: number;
  /** File format. */
  format: "VDI" | "VMDK" | "VHD";
  /** `Standard` grows as it is written, `Fixed` takes all of its space at once. */
  variant: "Standard" | "Fixed";
}
