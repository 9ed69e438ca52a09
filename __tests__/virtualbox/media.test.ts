import { readMedia } from "../../virtualbox/media";

test("media are read from a list and from one's details", () => {
  const output = [
    "UUID:           ad264b5a-7c43-4282-8d10-62eba923abc6",
    "Parent UUID:    base",
    "State:          created",
    "Location:       /vms/base/base.vdi",
    "Storage format: VDI",
    "Format variant: fixed default",
    "Capacity:       64 MBytes",
    "Encryption:     disabled",
    "In use by VMs:  base (UUID: a2f0a5c8-7ad8-4b47-9a0b-4b0d7c1b9f6e)",
    "",
    "UUID:           8df76a92-0646-4768-8299-d8e47089f50f",
    "State:          inaccessible",
    "Access Error:   Could not open the medium '/vms/base/Snapshots/{8df76a92}.vdi'.",
    "Parent UUID:    ad264b5a-7c43-4282-8d10-62eba923abc6",
    "Location:       /vms/base/Snapshots/{8df76a92}.vdi",
    "Storage format: vdi",
    "Capacity:       65 MBytes",
    "Encryption:     disabled",
  ].join("\r\n");
  expect(readMedia(`WARNING: x\n\t more\n\n${output}`)).toEqual([
    {
      uuid: "ad264b5a-7c43-4282-8d10-62eba923abc6",
      location: "/vms/base/base.vdi",
      format: "VDI",
      sizeMb: 64,
      isAccessible: true,
      isFixed: true,
      isInUse: true,
      users: ["base"],
    },
    {
      uuid: "8df76a92-0646-4768-8299-d8e47089f50f",
      parentUuid: "ad264b5a-7c43-4282-8d10-62eba923abc6",
      location: "/vms/base/Snapshots/{8df76a92}.vdi",
      format: "VDI",
      sizeMb: 65,
      isAccessible: false,
      isFixed: false,
      isInUse: false,
      users: [],
    },
  ]);
});
