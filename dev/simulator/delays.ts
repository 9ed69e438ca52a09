import type { Delays } from "./state";

/** Nothing is to be waited for. */
export const noDelays: Delays = {
  call: 0,
  clone: 0,
  boot: 0,
  cloudInit: 0,
  shutdown: 0,
  join: 0,
  register: 0,
  ready: 0,
  grace: 0,
};

/**
 * What was measured in the lab (`npm run lab`), on two cores, with VirtualBox's real VBoxManage 7.2 and guests that
 * QEMU emulates: 30–150 ms a call, 2–4 s a full clone, 47 s from power-on to cloud-init's end (of which sshd listens
 * after about the half), 14–22 s for kubeadm join, 3–10 s from its end until the Node is Ready. The shutdown alone is
 * an estimate; the grace is Kubernetes' default (`node-monitor-grace-period`).
 */
export const measuredDelays: Delays = {
  call: 100,
  clone: 3_000,
  boot: 25_000,
  cloudInit: 22_000,
  shutdown: 5_000,
  join: 18_000,
  register: 1_000,
  ready: 6_000,
  grace: 50_000,
};

/** A tenth of that: for a look at the program. */
export const briefDelays = Object.fromEntries(
  Object.entries(measuredDelays).map(([what, ms]) => [what, ms / 10]),
) as unknown as Delays;
