import { UserError } from "../../common/errors";
import { ensureBinaries, pulumiFolder } from "./binaries";
import { ensureGuestRoot } from "./guestRoot";
import { ensurePackages } from "./packages";
import { log } from "./up";
import { ensureVirtualBox } from "./virtualBox";

/**
 * What `npm test` needs beside Node.js: Debian packages, the real VBoxManage, a Debian root with cloud-init, the Pulumi
 * CLI, the tutorial's kubeadm.
 */
async function prepareTests(): Promise<void> {
  await ensurePackages(log);
  const programs = async () => [await pulumiFolder(log), await ensureBinaries(["tutorial-kubeadm"], log)];
  await Promise.all([programs(), ensureVirtualBox(log), ensureGuestRoot(log)]);
}

prepareTests().catch((error: unknown) => {
  console.error(error instanceof UserError ? `error: ${error.message}` : error);
  process.exitCode = 1;
});
