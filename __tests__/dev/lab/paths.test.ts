import { homedir } from "node:os";
import { join } from "node:path";
import { cacheDir, labDir } from "../../../dev/lab/paths";

test.each([
  [{ VBOX_KUBEADM_CACHE: "/big/cache", XDG_CACHE_HOME: "/xdg" }, "/big/cache"],
  [{ VBOX_KUBEADM_CACHE: "", XDG_CACHE_HOME: "/xdg" }, "/xdg/vbox-kubeadm"],
  [{ XDG_CACHE_HOME: "" }, join(homedir(), ".cache/vbox-kubeadm")],
  [{}, join(homedir(), ".cache/vbox-kubeadm")],
])("the cache of %j is %s", (env, folder) => {
  expect(cacheDir(env)).toBe(folder);
});

test("the lab runs in the project's own folder", () => {
  expect(labDir()).toBe(join(__dirname, "../../../.lab"));
});
