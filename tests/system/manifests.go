// Reads Kubernetes manifests as strictly as an API server with fieldValidation=Strict, and prints each as a line of
// JSON: manifests DIRECTORY builds the kustomization there; without it they come from standard input.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	stream "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

type kind struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

var types = map[kind]func() any{
	{"apps/v1", "Deployment"}:            func() any { return &apps.Deployment{} },
	{"v1", "ConfigMap"}:                  func() any { return &core.ConfigMap{} },
	{"v1", "PersistentVolumeClaim"}:      func() any { return &core.PersistentVolumeClaim{} },
	{"v1", "Service"}:                    func() any { return &core.Service{} },
	{"policy/v1", "PodDisruptionBudget"}: func() any { return &policy.PodDisruptionBudget{} },
}

func check(text []byte) error {
	var is kind
	if err := yaml.Unmarshal(text, &is); err != nil {
		return err
	}
	make, known := types[is]
	if !known {
		return fmt.Errorf("%s %s: no such type here", is.APIVersion, is.Kind)
	}
	object := make()
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		return fmt.Errorf("%s: %w", is.Kind, err)
	}
	line, err := json.Marshal(object)
	fmt.Println(string(line))
	return err
}

func run() error {
	var text io.Reader = os.Stdin
	if len(os.Args) > 1 {
		made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), os.Args[1])
		if err != nil {
			return err
		}
		for _, one := range made.Resources() {
			if err := check([]byte(one.MustYaml())); err != nil {
				return err
			}
		}
		return nil
	}
	documents := stream.NewYAMLReader(bufio.NewReader(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := check(document); err != nil {
			return err
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
