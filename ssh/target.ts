/** Where and as whom. */
export interface SshHost {
  /** A name or an address; a target's is resolved by its bastion. */
  address: string;
  /** Default: 22. */
  port?: number;
  user: string;
  /** The host keys to accept, each "ssh-ed25519 AAAA…"; at least one. Only keys of these types are asked for. */
  hostKeys: string[];
}

/** A machine to open sessions on. A plain value without secrets: it goes through Pulumi's state. */
export interface SshTarget extends SshHost {
  /**
   * A private key without a passphrase, for bastion and target alike. Default: the keys of the agent at
   * `SSH_AUTH_SOCK`.
   */
  privateKeyFile?: string;
  /** Which of the agent's keys is offered, as in a `.pub` file. Default: each in turn, of which sshd takes six. */
  publicKey?: string;
  /** The machine to go through. All targets share one connection to it. */
  bastion?: SshHost;
}
