import { journalName } from "../../../dev/simulator/commands/journalName";

const kubectl = "sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf";

test.each([
  [`${kubectl} get node kube-node01 --ignore-not-found -o json`, "kubectl get node kube-node01"],
  [
    `${kubectl} -n kube-system delete secret bootstrap-token-abcdef --ignore-not-found`,
    "kubectl delete secret bootstrap-token",
  ],
  [`${kubectl} get pods -A --field-selector spec.nodeName=kube-node01 -o json`, "kubectl get pods kube-node01"],
  [`${kubectl} label node kube-node01 --overwrite a=b c-`, "kubectl label node kube-node01"],
  [`${kubectl} taint node kube-node01 --overwrite a=:NoSchedule b:NoExecute-`, "kubectl taint node kube-node01"],
  [`${kubectl} certificate approve -- csr-abcde`, "kubectl certificate approve"],
  [
    `${kubectl} -n kube-system get rolebinding/vbox-kubeadm:get-nodes --ignore-not-found -o json`,
    "kubectl get bindings",
  ],
  [
    `${kubectl} delete --raw /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/vbox-kubeadm:get-nodes --filename=-`,
    "kubectl delete bindings",
  ],
  [`${kubectl} get --frob`, "kubectl"],
  ["sudo -n kubeadm join --config /dev/stdin", "kubeadm join"],
  [`${kubectl} apply --server-side --field-manager=vbox-kubeadm --filename=-`, "kubectl apply token"],
  ["sudo -n cat /etc/kubernetes/admin.conf", "cat /etc/kubernetes/admin.conf"],
  ["date +%s", "date"],
  ["a; b", "unknown"],
])("%j", (command, name) => expect(journalName("kube-mast01", command)).toBe(`ssh kube-mast01 ${name}`));
