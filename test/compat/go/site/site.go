// Package site is the operator's own kind: a Site, which becomes a ConfigMap with its text and a Deployment that
// shows it. It is what kubebuilder would generate, by hand and no longer than needed.
package site

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

var GroupVersion = schema.GroupVersion{Group: "compat.gokube.dev", Version: "v1"}

type Site struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status,omitempty"`
}

type Spec struct {
	Text     string `json:"text"`
	Replicas *int32 `json:"replicas,omitempty"` // 1 by default, 5 at most
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Replicas           int32              `json:"replicas,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type List struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Site `json:"items"`
}

func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypeWithName(GroupVersion.WithKind("Site"), &Site{})
	s.AddKnownTypeWithName(GroupVersion.WithKind("SiteList"), &List{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

func (s *Site) DeepCopyObject() runtime.Object { return s.DeepCopy() }

func (s *Site) DeepCopy() *Site {
	out := &Site{TypeMeta: s.TypeMeta, ObjectMeta: *s.ObjectMeta.DeepCopy(), Spec: s.Spec, Status: s.Status}
	if s.Spec.Replicas != nil {
		out.Spec.Replicas = ptr.To(*s.Spec.Replicas)
	}
	out.Status.Conditions = append([]metav1.Condition(nil), s.Status.Conditions...)
	return out
}

func (l *List) DeepCopyObject() runtime.Object {
	out := &List{TypeMeta: l.TypeMeta, ListMeta: *l.ListMeta.DeepCopy(), Items: make([]Site, len(l.Items))}
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopy()
	}
	return out
}

// Definition says the same to the API server: structure, a default, a bound, a rule between old and new, and two
// subresources.
func Definition() *apiextensionsv1.CustomResourceDefinition {
	type props = apiextensionsv1.JSONSchemaProps
	schema := &props{
		Type:     "object",
		Required: []string{"spec"},
		Properties: map[string]props{
			"spec": {
				Type:     "object",
				Required: []string{"text"},
				Properties: map[string]props{
					"text": {Type: "string", MinLength: ptr.To[int64](1)},
					"replicas": {
						Type: "integer", Format: "int32", Minimum: ptr.To(0.0), Maximum: ptr.To(5.0),
						Default: &apiextensionsv1.JSON{Raw: []byte("1")},
					},
				},
			},
			"status": {
				Type: "object",
				Properties: map[string]props{
					"observedGeneration": {Type: "integer", Format: "int64"},
					"replicas":           {Type: "integer", Format: "int32"},
					"conditions": {
						Type:         "array",
						XListType:    ptr.To("map"),
						XListMapKeys: []string{"type"},
						Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &props{
							Type:     "object",
							Required: []string{"type", "status", "lastTransitionTime", "reason", "message"},
							Properties: map[string]props{
								"type":               {Type: "string"},
								"status":             {Type: "string", Enum: []apiextensionsv1.JSON{{Raw: []byte(`"True"`)}, {Raw: []byte(`"False"`)}, {Raw: []byte(`"Unknown"`)}}},
								"observedGeneration": {Type: "integer", Format: "int64"},
								"lastTransitionTime": {Type: "string", Format: "date-time"},
								"reason":             {Type: "string"},
								"message":            {Type: "string"},
							},
						}},
					},
				},
			},
		},
	}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "sites." + GroupVersion.Group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: GroupVersion.Group,
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "sites", Singular: "site", Kind: "Site", ListKind: "SiteList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: GroupVersion.Version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema},
				Subresources: &apiextensionsv1.CustomResourceSubresources{
					Status: &apiextensionsv1.CustomResourceSubresourceStatus{},
					Scale:  &apiextensionsv1.CustomResourceSubresourceScale{SpecReplicasPath: ".spec.replicas", StatusReplicasPath: ".status.replicas"},
				},
			}},
		},
	}
}
