import { VBoxError } from "../../virtualbox/error";

const failure = (stderr: string) => new VBoxError("VBoxManage clonevm base", { stdout: "", stderr, exitCode: 1 });

// Words of VBoxManage 7.2.22, the last one in Catalan's place: only code and component count.
test.each([
  [
    "a settings file",
    "VBoxManage: error: Machine settings file '/f/n.vbox' already exists\nDetails: code VBOX_E_FILE_ERROR (0x80bb0004), component MachineWrap, interface IMachine\n",
  ],
  [
    "a disk's file",
    "VBoxManage: error: Could not create the clone medium '/f/n.vdi' (VERR_ALREADY_EXISTS)\nDetails: code VBOX_E_FILE_ERROR (0x80bb0004), component MediumWrap, interface IMedium\n",
  ],
  [
    "a registered disk of its path",
    "VBoxManage: error: Cannot register the hard disk '/f/n.vdi' {a} because a hard disk '/f/n.vdi' with UUID {b} already exists\nDetails: code NS_ERROR_INVALID_ARG (0x80070057), component VirtualBoxWrap, interface IVirtualBox\n",
  ],
  [
    "the same in another language",
    "VBoxManage: error: …\nDetails: code E_INVALIDARG (0x80070057), component VirtualBoxWrap, interface IVirtualBox\n",
  ],
])("%s that an interrupted clone left is in the way", (_what, stderr) => expect(failure(stderr).isInTheWay).toBe(true));

test.each([
  [
    "a full disk",
    "VBoxManage: error: … (VERR_DISK_FULL)\nDetails: code VBOX_E_FILE_ERROR (0x80bb0004), component MediumWrap, interface IMedium\n",
  ],
  [
    "a missing machine",
    "VBoxManage: error: Could not find a registered machine named 'base'\nDetails: code VBOX_E_OBJECT_NOT_FOUND (0x80bb0001), component VirtualBoxWrap, interface IVirtualBox\n",
  ],
  ["nothing", ""],
])("%s is not", (_what, stderr) => expect(failure(stderr).isInTheWay).toBe(false));
